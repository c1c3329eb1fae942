"""The prompt and scripts. Only this folder knows cmd2 and prompt_toolkit."""
