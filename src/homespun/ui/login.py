"""The page at the door, in the look of the others. Plain HTML: whoever is not in yet gets nothing of NiceGUI."""

from __future__ import annotations

from html import escape

from homespun.ui import look

RULES = """
body { display: grid; place-items: center; min-height: 100dvh; margin: 0; padding: var(--s4) }
main { width: min(24rem, 100%) }
form.hs-card { display: grid; gap: var(--s5); padding: var(--s6) }
.hs-error { margin: 0 }
label { color: var(--muted); font-size: var(--small) }
input { font: inherit; font-size: 1rem; width: 100%; padding: 10px 14px; margin-top: var(--s2); background: var(--surface);
  color: var(--ink); border: 1px solid var(--edge); border-radius: var(--radius-small) }
button { cursor: pointer }
"""


def page(wrong: str = "") -> str:
    """The form that posts `token` to /login.

    Args:
        wrong: one line that says why it is shown again.
    """
    said = f'<p class="hs-error" role="alert">{escape(wrong)}</p>' if wrong else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>homespun</title><link rel="icon" href="data:,">{look.head()}<style>{RULES}</style></head>
<body><main><form class="hs-card" method="post" action="/login">
<span class="hs-word"><span class="hs-mark" aria-hidden="true"></span><span>homespun</span></span>
<h1 class="hs-section">This is private</h1>{said}
<label>The token that <code>homespun serve</code> printed
<input name="token" type="password" required autofocus autocomplete="current-password"></label>
<button class="hs-button hs-primary">Open</button>
</form></main></body></html>
"""
