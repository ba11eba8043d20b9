"""What is said: message types and their templates, drafts made into finished messages, and the links within.

`renderer.Renderer` is the way in. It reads templates and content files, knows no database, and sends nothing.
"""
