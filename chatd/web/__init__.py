"""The pages for browsers: the built files of web/ in `static`, and the answers made of them."""
