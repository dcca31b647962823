"""POST /cart/change: set the count of a product in the cart; 0 removes it."""

from lib import cart
from lib.inputs import CartLine


def POST(request, cookies, redirect, url_for):
    line = request.form_data(CartLine)
    cart.put(cookies, line.product, line.count)
    return redirect(url_for("/cart"), 303)
