"""POST /logout: forget who it is."""


def POST(session, redirect, url_for):
    session.destroy()
    return redirect(url_for("/"), 303)
