"""Knowledge about SQL and plans: pure functions over text, plans and statistics."""
