; The Fibonacci numbers by double recursion.

(define (fib n)
  (if (< n 2)
      n
      (+ (fib (- n 1)) (fib (- n 2)))))

(do ((n 0 (+ n 1)))
    ((> n 20))
  (display n)
  (display " ")
  (display (fib n))
  (newline))
