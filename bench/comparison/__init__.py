"""What our pages are compared with: an empty page, a plain form, and the least that a POST can be."""
