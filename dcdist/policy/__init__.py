"""What a host decides, without a clock, I/O or randomness of its own: events in, commands out.

`Planner` puts the decisions together; every other module is one of them, named after the question it answers.
"""
