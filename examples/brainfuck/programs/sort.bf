Sorts the bytes of a line by insertion

The sorted bytes are in frames of 8 cells from frame 1 on; after the last comes an empty frame
A new byte travels along the frames; in each the smaller one stays and the larger one goes on
A frame: 0 the byte; 1 the one that travels; 2 one; 3 zero; 4 units of both; 5 units of cell 0 alone
>>>>>>>>
Read a byte; the end of the line counts as the end of the input
>,>+<----------[>-]>[-<---------->>]<+<++++++++++>-<[
  As long as there is a byte in this frame
  <[>>+<<[->[>-]>[-<+>>>->+<<]<+<->>>+<<<<]>>-
    The smaller one is in cell 4; the larger one is all that is left over together with it
    >>[-<<<<+>>>>>>>>>+<<<<<]>[->>>>+<<<<]<<<<[->>>>>>>>+<<<<<<<<]>>>>>>>]
  The empty frame takes the byte; back to frame 1
  >[-<+>]<[<<<<<<<<]>>>>>>>>
  Read a byte; the end of the line counts as the end of the input
  >,>+<----------[>-]>[-<---------->>]<+<++++++++++>-<]
Print the frames and end the line
<[.>>>>>>>>]>++++++++++.
