"""Around everything in this folder: who are you?"""


def on_request(context, next):
    if not context.session.get("user"):
        return context.redirect(context.url_for("/login"), 303)
    response = next()
    response.headers.set("cache-control", "no-store")
    return response
