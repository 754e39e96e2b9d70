"""Skills: playbooks that the diagnostician and a model follow."""
