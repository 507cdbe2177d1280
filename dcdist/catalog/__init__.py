"""What a store holds, for whoever reads it: releases, the latest, what describes them. Nothing is written here."""
