"""The web app: label maps to photos in a browser.

Only the user interface needs gradio; its modules are imported by `oasis.app.server` alone.
"""
