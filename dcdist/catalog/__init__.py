"""What is in a store, for all who read it: releases, what they promise and need, publishes. It writes nothing."""
