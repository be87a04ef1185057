"""Local web page for videos, served with gradio."""
