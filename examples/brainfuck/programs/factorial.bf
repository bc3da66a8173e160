Prints the factorials of the numbers from 0 to 25

The factorial is in frames of 9 cells: the ones in frame 1; then the tens and so on
A frame: 0 marker; 1 digit; 2 carry; 3 product; 4 to 6 scratch of the division by ten;
7 factor; 8 scratch
On the left of frame 0 are: the number; how many are left; scratch to print the number
>>>>>>>>>>>>>>>>>>>>>+>+<<<<<<<<<<<<<<<<<<<<+++++[-<+++++>]<+[

  Print the number: its tens unless they are zero; then its ones
  <[->>>>+>+<<<<<]>>>>>[-<<<<<+>>>>>]>++++++++++>+<<<[-<+>>>-[>-]>[-<<<<[-]<+>>>>++++++++++>
  >]<+<<<]>>[-]>-<<<<<[>>>>++++++[-<<<<++++++++>>>>]<<<<.[-]]>>>>++++++[-<<<++++++++>>>]<<<.
  [-]
  exclamation mark; blank; equals sign; blank
  >>>++++[-<<++++++++>>]<<+.-.+++++++++++++++++++++++++++++.-----------------------------.[-
  ]
  Go to the last frame and print the digits on the way back
  >>>>>>>>>>>>>>>>>[>>>>>>>>>]<<<<<<<<<[>>>>>>>>++++++[-<<<<<<<++++++++>>>>>>>]<<<<<<<.>>>>>
  >>++++++[-<<<<<<<-------->>>>>>>]<<<<<<<<<<<<<<<<<]
  End of line
  <<<<<<<<<<++++++++++.[-]
  Next number; it travels along the frames as the factor
  <<+[->>>>>>>>>>>>>>>>>>>>>>>>>>>>+<<<<<<<<<<<<<<<<<<<<<<<<<<+<<]>>[-<<+>>]>>>>>>>>>>>>>>>>
  >>>[
    digit times factor plus carry; the ones stay; the tens are the next carry
    >>[->+<]<[->>>>>>[-<<<<+>>>>>+<]>[-<+>]<<<<<<<]>>>++++++++++>+<<[-<<+>>>-[>-]>[-<<<<[-]>
    >>>>>>>>>+<<<<<<<++++++++++>>]<+<<]>[-]>->>[->>>>>>>>>+<<<<<<<<<]>>]>>>>>>>[-]
  What is carried out of the last frame makes new ones
  <<<<<[>>++++++++++>+<<<[-<+>>>-[>-]>[-<<<<[-]>>>>>>>>>>+<<<<<<<++++++++++>>]<+<<<]>>[-]>-<
  <<<<+>>>>>>>>>>>]
  Back to frame 0
  <<<<<<<<<<<[<<<<<<<<<]<<<<<<<<<<<-]
