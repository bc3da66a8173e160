Prints the first 100 Fibonacci numbers

Two neighbours are in frames of 10 cells: the ones in frame 1; then the tens and so on
A frame: 0 marker; 1 digit of the smaller one; 2 digit of the larger one; 3 carry; 4 sum;
5 to 7 scratch of the division by ten; 8 set when a digit has been printed; 9 scratch
>>>>>>>>>>>>>>+>+>+<<<<<<<<<<<<<<<++++++++++[-<++++++++++>]<[
  Go to the last frame and print the smaller one on the way back without zeros in front
  >>>>>>>>>>>>>>[>>>>>>>>>>]<<<<<<<<<<[>[->>>>>>>>+<<<<+<<<<]>>>>[-<<<<+>>>>]>>>>[[-]<[-]+>]
  <[-<<<<<<<<<<+>>>>>>>>>>>++++++[-<<<<<<<<++++++++>>>>>>>>]<<<<<<<<.>>>>>>>>++++++[-<<<<<<<
  <-------->>>>>>>>]<]<<<<<<<<<<<<<<<<<<]>>>>>>>>[-]
  End of line
  <<<<<<<<<<<++++++++++.[-]
  Add digit by digit; the larger one becomes the smaller one and the sum the larger one
  >>>>>>>>>>>>>[>>>[->+<]<<[->>>+<<<]>[->>+<<<+>]>>>++++++++++>+<<[-<<+>>>-[>-]>[-<<<<[-]>>>
  >>>>>>>>+<<<<<<<<++++++++++>>]<+<<]>[-]>->>>>]
  What is carried out of the last frame makes a new one
  >>>[-<+<<+>>>]
  Back to frame 0
  <<<<<<<<<<<<<[<<<<<<<<<<]<<<<-]
