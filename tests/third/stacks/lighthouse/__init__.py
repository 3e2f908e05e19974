"""An island whose logbook goes to the shore by courier."""
