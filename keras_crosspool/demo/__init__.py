"""A page in the browser that shows what a model says of an image, and why.

A model directory and the descriptors of images come in; a page on this machine goes out.
`answerer.py` answers one image file, `gallery.py` finds the nearest images, and `page.py` alone
knows Gradio. To show one more thing add a field to `Answer`, and a component to `page.py`.
"""
