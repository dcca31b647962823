"""The sample site as axe sees it: https://github.com/dequelabs/axe-core"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

PATHS = ["/", "/products", "/products/1", "/cart", "/orders", "/contact", "/about", "/how"]
PATHS += ["/login", "/admin", "/nothing-here", "/notes", "/notes/how-we-listen"]


@pytest.fixture(params=[("dark", 360), ("light", 1280)])
def page(browser: Browser, shop: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Somebody who has logged in, and has something in the cart.

    Colours depend on the scheme and the layout on the width: two of the four pairs have it all.
    """
    scheme, width = request.param
    context = browser.new_context(
        base_url=shop, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("quiet-desk")
    page.get_by_role("button", name="Log in").click()
    page.goto("/products/1")
    page.get_by_role("button", name="Add to the cart").click()
    yield page
    context.close()


def assert_sound(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def test_no_page_has_findings(page: Page) -> None:
    assert_sound(page)  # the cart, with its flash
    for path in PATHS:
        page.goto(path)
        assert_sound(page)


def test_a_form_with_mistakes_has_no_findings(page: Page) -> None:
    page.goto("/contact")
    page.get_by_label("Your name").fill(" ")
    page.get_by_label("Your e-mail address").fill("zoe@example")
    page.get_by_label("Your message").fill(" ")
    page.get_by_role("button", name="Send").click()
    assert page.locator("[aria-invalid]").count() == 3
    assert_sound(page)


def test_axe_finds_what_is_wrong(page: Page) -> None:
    page.set_content("<title>x</title><img src=x><input>")
    assert {found["id"] for found in Axe().run(page).response["violations"]} >= {
        "image-alt",
        "label",
        "html-has-lang",
    }
