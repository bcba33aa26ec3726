"""What the pages of the console share: guard, navigation, live updates, lists and downloads."""
