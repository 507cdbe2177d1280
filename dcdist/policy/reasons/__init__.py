"""Why a stripe is drawn: a module for each reason."""
