"""The tutorial: lessons that are scenarios with a goal, on sandboxes of their own."""
