"""The web pages: NiceGUI on the same app as the API. Pages call the other rooms in process, never the API."""
