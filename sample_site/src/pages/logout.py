"""POST /logout: end the session."""


def POST(session, redirect, url_for):
    session.destroy()
    return redirect(url_for("/"), 303)
