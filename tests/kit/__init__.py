"""The tools that tests share. They hold no tests and no part of the product."""
