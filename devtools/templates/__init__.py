"""The example workflows: what they hold, how they lie on the page, and the pictures of the template browser."""
