Prints the primes below 256: the sieve of Eratosthenes

Each number from 2 on has a frame of 12 cells: 0 marker; 1 set when the number is composite;
2 the number itself when its turn comes; 3 the prime whose multiples are struck out;
4 how far the next multiple is; 5 one; 6 zero; the rest is scratch
The frame on the left of the first is empty
>>>>>>>>>>>>
Mark the frames: a counter travels to the right
>>--[-<<+>>[->>>>>>>>>>>>+<<<<<<<<<<<<]>>>>>>>>>>>>]
Back to the first frame; its number is 2
<<<<<<<<<<<<<<[<<<<<<<<<<<<]>>>>>>>>>>>>>>++<<[
  If the number has not been struck out
  >>>>>>>>>+<<<<<<<<[[-]>>>>>>>>-<<<<<<<<]>>>>>>>>[-
    Print it in decimal
    <<<<<<<[->>>>>>+<+<<<<<]>>>>>[-<<<<<+>>>>>]<<<++++++++++>+>>>[->>+<<<<<<-[>-]>[->>>>>[-]
    <+<<<<<++++++++++>>]<+>>>]<<<<[-]>-<++++++++++>+>>>>[->>+<<<<<<<-[>-]>[->>>>>>[-]<<<+<<<
    <++++++++++>>]<+>>>>]<<<<<[-]>-
    the hundreds and the tens only if they are not zeros in front
    >>>[-<+<<<+>>>>]<<<<[->>>>+<<<<]>>>[[-]>>+<<]>[<++++++[->++++++++<]>.[-]]>>>[-<<<<+<<<+>
    >>>>>>]<<<<<<<[->>>>>>>+<<<<<<<]>>>[[-]>>[-]+<<]>>[-<<++++++[->>>>++++++++<<<<]>>>>.<<]>
    >[-]<<<<++++++[->>>++++++++<<<]>>>.[-]++++++++++.[-]
    Send the prime to the right with a countdown; unmark this frame to find it again
    <<<<<<<<[->+>+>>>+<<<<<]>>>>>[-<<<<<+>>>>>]<<<<<<<->>>[->>>>>>>>>>>>+<<<<<<<<<<<<]>[->>>
    >>>>>>>>>+<<<<<<<<<<<<]>>>>>>>>[>>>>>+<-[>-]>[-<<<<[-]+>>[->+>>>+<<<<]>>>>[-<<<<+>>>>]<]
    <<<[->>>>>>>>>>>>+<<<<<<<<<<<<]>[->>>>>>>>>>>>+<<<<<<<<<<<<]>>>>>>>>]>>>[-]>[-]<<<<<<<<<
    <<<<<<<[<<<<<<<<<<<<]+>>>>>>>>>]
  The next number
  <<<<<<<+[->>>>>>>>>>>>+<<<<<<<<<<<<]>>>>>>>>>>]
