; Loops that do little else: sums of squares, and the Collatz problem.

(define (sum-of-squares n)
  (let loop ((i 1) (sum 0))
    (if (> i n)
        sum
        (loop (+ i 1) (+ sum (* i i))))))

(define (collatz-steps n)
  (do ((n n (if (even? n) (quotient n 2) (+ (* 3 n) 1)))
       (steps 0 (+ steps 1)))
      ((= n 1) steps)))

(define (longest-collatz limit)
  (let loop ((n 1) (best 1) (most 0))
    (if (> n limit)
        (list best most)
        (let ((steps (collatz-steps n)))
          (if (> steps most)
              (loop (+ n 1) n steps)
              (loop (+ n 1) best most))))))

(display (sum-of-squares 30000))
(newline)
(display (longest-collatz 2000))
(newline)
