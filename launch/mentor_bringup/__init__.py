"""Launch files, task files and the launch runner of the MENTOR robot learning stack."""
