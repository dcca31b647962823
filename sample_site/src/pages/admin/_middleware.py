"""Middleware around this folder: visitors who are not logged in go to the login page."""


def on_request(context, next):
    if not context.session.get("user"):
        return context.redirect(context.url_for("/login"), 303)
    response = next()
    response.headers.set("cache-control", "no-store")
    return response
