"""POST /cart/change: have so many of something in the cart; none takes it out."""

from lib import cart
from lib.inputs import CartLine


def POST(request, cookies, redirect, url_for):
    line = request.form_data(CartLine)
    cart.put(cookies, line.product, line.count)
    return redirect(url_for("/cart"), 303)
