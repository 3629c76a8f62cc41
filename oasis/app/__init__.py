"""The web app: label maps to photos in a browser.

Nothing that is not user interface needs gradio; what does is imported by `oasis.app.server` alone.
"""
