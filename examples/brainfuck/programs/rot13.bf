Turns every letter of its input by 13 places of the alphabet

Cells: 0 character; 1 its distance from a letter; 2 one; 3 zero; 4 counter;
5 set when the distance is below 13; 6 by how much to turn
>>+<<,[
  Is it in the first half of the capital letters? Take the first letter away and count 13
  [->+>>>+<<<<]>>>>[-<<<<+>>>>]++++++++[-<<<-------->>>]<<<->>>+++++++++++++[-<<<[>-]>[->>>[
  -]+<<<<+>>]<+<->>>]<<<[-]
  If so remember the turn
  >>>>[->+++++++++++++<]
  Is it in the second half of the capital letters? Take the first letter away and count 13
  <<<<<[->+>>>+<<<<]>>>>[-<<<<+>>>>]++++++[-<<<------------->>>]+++++++++++++[-<<<[>-]>[->>>
  [-]+<<<<+>>]<+<->>>]<<<[-]
  If so remember the turn
  >>>>[->-------------<]
  Is it in the first half of the small letters? Take the first letter away and count 13
  <<<<<[->+>>>+<<<<]>>>>[-<<<<+>>>>]++++++++[-<<<------------>>>]<<<->>>+++++++++++++[-<<<[>
  -]>[->>>[-]+<<<<+>>]<+<->>>]<<<[-]
  If so remember the turn
  >>>>[->+++++++++++++<]
  Is it in the second half of the small letters? Take the first letter away and count 13
  <<<<<[->+>>>+<<<<]>>>>[-<<<<+>>>>]++++++++++[-<<<----------->>>]+++++++++++++[-<<<[>-]>[->
  >>[-]+<<<<+>>]<+<->>>]<<<[-]
  If so remember the turn
  >>>>[->-------------<]
  Turn; print; read the next one
  >[-<<<<<<+>>>>>>]<<<<<<.,]
