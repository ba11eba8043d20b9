"""Why, and who may not: campaigns, lots, guards, households, caps, and the plan."""
