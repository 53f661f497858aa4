"""Media: uploads, what is known of them, what is made from them, and the files themselves."""
