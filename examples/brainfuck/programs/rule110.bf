Rule 110: 48 generations of 64 cells that start with a single one at the right

A frame has 6 cells: 0 marker; 1 state; 3 the neighbourhood as a number; 2; 4 and 5 scratch
On the left of frame 0: generations left and two scratch cells
>>>
Mark the frames: a counter travels to the right
>>>>>>>>>>>++++++++[-<++++++++>]<[-<<<<+>>>>[->>>>>>+<<<<<<]>>>>>>]
The last cell is one; back to frame 0
<<<<<<<<<+<[<<<<<<]<<++++++[-<++++++++>]<[
  Print the cells: a blank for 0 and a hash sign for 1
  >>>>>>>>>[>>>>>++++[-<++++++++>]<<<<[->>>>+<<<+<]>[-<+>]>>>[-<+++>]<.[-]
    and tell both neighbours and the cell itself its weight in the neighbourhood
    <<<[->>++<<<<<<+>>>>>>>>>>>>++++<<<<<<<<]>>>>>]
  Both ends are forgotten
  >>>[-]<<<<<<<<<[<<<<<<]>>>[-]
  End of line
  <<<<<++++++++++.[-]
  The new state: 1 for the neighbourhoods 1; 2; 3; 5; 6
  >>>>>>>>[>>>[-<<+>>[-[-[-<<->>[-<<+>>[-[-<<->>]]]]]]]>>>]
  Back to frame 0
  <<<<<<[<<<<<<]<<<-]
