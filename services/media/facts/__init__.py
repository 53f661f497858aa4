"""What a probed file is to an editor: rates, sound, names. Pure."""
