"""Critics compare distributions: do drawings, textures and codes look like the real ones?"""
