"""How safe a click is while a person annotates: there is no truth then, only agreement."""
