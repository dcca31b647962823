"""The sample site as its visitors see it: on a phone and on a desktop, without JavaScript."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 640},
    "desktop": {"width": 1280, "height": 800},
}

# The smallest PNG there is: one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f"
    "00010501012718e3660000000049454e44ae426082"
)


@pytest.fixture(params=SIZES)
def visitor(browser: Browser, shop: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Somebody who has just come in; the last page that they see fits, none complains."""
    context = browser.new_context(
        base_url=shop, viewport=SIZES[request.param], java_script_enabled=False
    )
    complaints: list[str] = []
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto("/")
    yield page
    assert_fits(page)
    context.close()
    # The console notes each page that isn't there, or shows a form again.
    assert [text for text in complaints if not re.search("status of 4(04|22)", text)] == []


def assert_fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def buy(page: Page, product: str) -> None:
    page.goto("/products")
    page.get_by_role("link", name=product).click()
    page.get_by_role("button", name="Add to the cart").click()
    expect(page.get_by_role("status")).to_have_text(f"{product} is in your cart.")


def test_a_visitor_browses_and_searches(visitor: Page) -> None:
    visitor.get_by_role("link", name="See all products").click()
    expect(visitor.get_by_role("main").get_by_role("listitem")).to_have_count(5)
    visitor.get_by_label("Search the shop").fill("mo")
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("main")).to_contain_text("2 found for “mo”")
    visitor.get_by_role("link", name="Mouse").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Mouse")
    loaded = "img => img.complete && img.naturalWidth > 0"
    assert visitor.get_by_role("main").locator("img").evaluate(loaded)
    visitor.get_by_role("link", name="/p/2").click()
    expect(visitor).to_have_url(re.compile("/products/2$"))


def test_every_page_fits(visitor: Page) -> None:
    for path in ("/", "/products", "/products/1", "/how", "/about", "/contact", "/orders"):
        visitor.goto(path)
        assert_fits(visitor)
    visitor.goto("/nothing/" + "here" * 50)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Nothing is here")


def test_a_visitor_fills_the_cart_and_orders(visitor: Page) -> None:
    cart = visitor.get_by_role("link", name="Cart")
    buy(visitor, "Keyboard")
    buy(visitor, "Desk lamp")
    expect(cart).to_contain_text("2")
    many = visitor.get_by_label("How many of Desk lamp")
    many.fill("3")
    many.press("Enter")
    expect(cart).to_contain_text("4")
    expect(visitor.get_by_role("main")).to_contain_text("Total € 214.00")
    visitor.get_by_role("button", name="Remove Keyboard").click()
    expect(visitor.get_by_role("main")).to_contain_text("Total € 135.00")
    visitor.get_by_role("button", name="Place the order").click()
    expect(visitor.get_by_role("status")).to_contain_text("Thank you.")
    expect(visitor.get_by_role("main")).to_contain_text("3 × Desk lamp")
    expect(cart).to_contain_text("0")
    visitor.reload()
    expect(visitor.get_by_role("status")).to_have_count(0)


def test_a_form_that_is_wrong_keeps_what_was_typed(visitor: Page) -> None:
    visitor.get_by_role("link", name="Contact").click()
    visitor.get_by_label("Your name").fill("   ")
    visitor.get_by_label("Your e-mail address").fill("zoe@example")
    visitor.get_by_label("Your message").fill("Hush.\n\n<b>Hush</b> & hush.")
    visitor.get_by_role("button", name="Send").click()
    expect(visitor.get_by_role("alert")).to_be_visible()
    name, address = visitor.get_by_label("Your name"), visitor.get_by_label("Your e-mail address")
    expect(name).to_have_accessible_description("Please enter your name.")
    expect(address).to_have_value("zoe@example")
    expect(visitor.get_by_label("Your message")).to_have_value("Hush.\n\n<b>Hush</b> & hush.")

    name.fill("Zoë")
    address.fill("zoe@example.com")
    visitor.get_by_role("button", name="Send").click()
    expect(visitor.get_by_role("status")).to_have_text("Thank you, Zoë. We will reply by e-mail.")
    expect(visitor.get_by_label("Your message")).to_have_value("")


def test_who_looks_after_the_shop_logs_in_and_uploads_a_picture(
    visitor: Page, tmp_path: Path
) -> None:
    picture, text = tmp_path / "me.png", tmp_path / "me.txt"
    picture.write_bytes(PNG)
    text.write_text("I am no picture.")

    visitor.get_by_role("link", name="Back room").click()
    expect(visitor).to_have_url(re.compile("/login$"))
    visitor.get_by_label("Name").fill("ada")
    visitor.get_by_label("Password").fill("guess")
    visitor.get_by_role("button", name="Log in").click()
    expect(visitor.get_by_role("alert")).to_contain_text("password is wrong")
    expect(visitor.get_by_label("Name")).to_have_value("ada")
    visitor.get_by_label("Password").fill(visitor.locator("kbd").nth(1).inner_text())
    visitor.get_by_role("button", name="Log in").click()

    expect(visitor.get_by_role("main")).to_contain_text("You are ada.")
    visitor.get_by_label("Product").select_option("Webcam")
    visitor.get_by_label("Picture").set_input_files(text)
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_role("alert")).to_have_text("Choose a PNG or a JPEG file.")
    expect(visitor.get_by_label("Product")).to_have_value("4")
    visitor.get_by_label("Picture").set_input_files(picture)
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_role("status")).to_have_text("Webcam has a new picture.")

    visitor.goto("/products/4")
    assert visitor.get_by_role("main").locator("img").evaluate("img => img.naturalWidth") == 1
    visitor.get_by_role("link", name="Back room").click()
    visitor.get_by_role("button", name="Log out").click()
    visitor.get_by_role("link", name="Back room").click()
    expect(visitor).to_have_url(re.compile("/login$"))


def test_orders_are_watched_as_they_come(visitor: Page, page: Page, shop: str) -> None:
    page.goto(f"{shop}/orders")
    page.evaluate(
        """patience => new Promise((resolve, reject) => {
            const source = new EventSource("/orders/live?seconds=60")
            source.onopen = resolve
            window.coming = new Promise((resolve, reject) => {
                source.onmessage = ({data}) => data.includes("Monitor") && resolve(data)
                setTimeout(() => reject(new Error("nothing came")), patience)
            }).finally(() => source.close())
        })""",
        PATIENCE * 1000,
    )
    buy(visitor, "Monitor")
    visitor.get_by_role("button", name="Place the order").click()
    assert json.loads(page.evaluate("window.coming"))["items"] == "1 × Monitor"


def test_the_stream_is_text_for_who_has_no_javascript(visitor: Page) -> None:
    visitor.goto("/orders/live?seconds=0")
    expect(visitor.locator("pre")).to_contain_text("retry: 1000")
