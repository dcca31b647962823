"""POST /cart/add: add a product to the cart."""

from werkzeug.exceptions import NotFound

from lib import cart, catalog, flash
from lib.inputs import CartLine


def POST(request, cookies, redirect, url_for):
    line = request.form_data(CartLine)
    product = catalog.find(line.product)
    if product is None:
        raise NotFound("There is no such product.")
    before = cart.counts(cookies).get(product.id, 0)
    fits = cart.put(cookies, product.id, before + line.count)
    flash.say(cookies, f"{product.name} is in your cart." if fits else "Your cart is full.")
    return redirect(url_for("/cart"), 303)
