"""The words of Rounds as types, and its errors; standard library only."""
