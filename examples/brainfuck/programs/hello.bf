Prints a greeting

Eight times 9; 13; 5; 11
++++++++[>+++++++++>+++++++++++++>+++++>+++++++++++<<<<-]
>.              H
>---.           e
+++++++..       l l
+++.            o
>++++.          comma
------------.   blank
>-.             W
<<.             o
+++.            r
------.         l
--------.       d
>+.             exclamation mark
>[-]++++++++++. end of line
