"""What a host decides, without a clock, I/O or randomness of its own: events in, commands out.

`Planner` puts the decisions together. The other modules are single decisions, each of which begins with the question
that it answers, and what they decide about: events, commands, options, and the state of the layers.
"""
