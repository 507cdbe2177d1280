"""The asyncio driver of a fetch: results of ports become events, the planner decides, commands go to ports."""
