"""What every Headwater service shares."""
