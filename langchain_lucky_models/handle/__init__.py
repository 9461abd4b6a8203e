"""What makes a LangChain chat model of a line of members."""
