"""What index does, behind its entrances: apply events, compare, repair, make anew."""
