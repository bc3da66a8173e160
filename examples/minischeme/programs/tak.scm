; Takeuchi's function: calls, comparisons, and nothing else.

(define (tak x y z)
  (if (not (< y x))
      z
      (tak (tak (- x 1) y z)
           (tak (- y 1) z x)
           (tak (- z 1) x y))))

(display (tak 14 8 2))
(newline)
