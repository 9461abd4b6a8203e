"""One question to one line of members: who is asked, how, what came of it, what it cost."""
