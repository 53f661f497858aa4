"""What is made of an upload: the edit proxy, the sound, thumbnails and sheets."""
