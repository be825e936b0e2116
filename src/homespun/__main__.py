from homespun.cli import main

main()
